"""Train a voice as a configuration says: ``python train.py -c config.json``. The same as ``swaram train``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))  # so that it works from a clone that is not installed
from swaram.cli.main import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
