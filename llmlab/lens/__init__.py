"""Reading traces: what the parts of a model do on a text."""
