"""The Malayalam voice of swaram, in the folder ``malayalam`` of this package."""
