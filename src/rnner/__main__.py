"""`python -m rnner`: the command line."""

from rnner.cli.main import main

main()
