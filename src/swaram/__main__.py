"""``python -m swaram``: the command line."""

from swaram.cli import main

if __name__ == "__main__":
    main()
