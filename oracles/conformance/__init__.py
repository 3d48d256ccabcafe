"""The way through: cases -> layer -> run -> bounds -> compare -> truth -> report. Each module knows those before it."""
