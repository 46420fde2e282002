"""Speak with a checkpoint or a voice: ``python infer.py --checkpoint logs/x --text "..."``; as ``swaram speak``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))  # so that it works from a clone that is not installed
from swaram.cli.main import main

if __name__ == "__main__":
    main(["speak", *sys.argv[1:]])
