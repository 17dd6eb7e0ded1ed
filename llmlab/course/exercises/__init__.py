"""The exercises, one file each, named after the function to write."""
