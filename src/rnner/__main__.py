"""`python -m rnner`: the command line."""

from rnner.cli.main import main

if __name__ == "__main__":
    main()
