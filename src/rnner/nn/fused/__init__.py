"""Fast implementations of the recurrent cells, and the choice between them (`dispatch`)."""
