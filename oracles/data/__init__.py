"""What an op's values are, in memory and on disk: cases, arrays, recipes, files, JSON. Judges nothing."""
