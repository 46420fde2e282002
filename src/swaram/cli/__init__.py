"""Every command of the program, one file a group; only here may a command import across the house."""
