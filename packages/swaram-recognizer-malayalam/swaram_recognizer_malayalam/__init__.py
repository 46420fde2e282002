"""The Malayalam recogniser of swaram, in the folder ``ml`` of this package."""
