"""What recurrence does, to run and to look at: each module is one experiment, with the tagger's own cells."""
