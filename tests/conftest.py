"""What every test shares: one computing thread, so that tests and other work do not wait for each other's cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
