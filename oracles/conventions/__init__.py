"""What frameworks choose where mathematics does not: questions, and the answers of each version."""
