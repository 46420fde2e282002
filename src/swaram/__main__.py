"""``python -m swaram``: the command line."""

from swaram.cli.main import main

if __name__ == "__main__":
    main()
