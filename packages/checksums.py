"""Write SHA256SUMS of a folder's wheels and archives, as ``sha256sum --check`` reads it: checksums.py dist"""

import hashlib
import sys
from pathlib import Path

folder = Path(sys.argv[1])
files = sorted(path for path in folder.iterdir() if path.suffix in (".whl", ".gz", ".zip"))
lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
(folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8", newline="\n")
for path in files:
    print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
