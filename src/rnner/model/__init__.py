"""The tagger, the model folder, and the names of models."""
