"""Tasks on text and the simple models that every larger one has to beat: classifying and matching by word counts."""
