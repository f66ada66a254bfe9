"""From sentences to entities; start with `decoder.Decoder.decode`."""
