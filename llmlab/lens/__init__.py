"""Reading traces and weights: what the parts of a model do on a text, and maps of its vectors."""
