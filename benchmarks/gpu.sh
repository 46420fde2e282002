#!/usr/bin/env bash
# One command for a GPU that is at hand for minutes: tests, rates, training. docs/gpu.md tells more.
#
#   benchmarks/gpu.sh OUT [--device cuda|cpu] [--seconds 480] [--pack .gpu]
#
# It needs python3 (3.11 or newer) with torch, numba, numpy, safetensors, tensorboard and pytest; the rest comes from the
# wheels that benchmarks/gpu_pack.py put into the pack, without network. Results appear in OUT as they come. It stops by itself.
set -u
cd "$(dirname "$0")/.."
OUT=$1; shift
DEVICE=cuda SECONDS_IN_ALL=480 PACK=.gpu
while [ $# -gt 0 ]; do
  case $1 in
    --device) DEVICE=$2 ;;
    --seconds) SECONDS_IN_ALL=$2 ;;
    --pack) PACK=$2 ;;
    *) echo "unknown: $1"; exit 2 ;;
  esac
  shift 2
done
PYTHON=${PYTHON:-python3}
BEGUN=$(date +%s)
mkdir -p "$OUT"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
left() { echo $((BEGUN + SECONDS_IN_ALL - $(date +%s))); }
say() { echo "$(($(date +%s) - BEGUN)) s: $*" | tee -a "$OUT/log.txt"; }
share() { local all; all=$(left); echo $((all * $1 / 100 > $2 ? all * $1 / 100 : $2)); }

say "install"
$PYTHON -m pip install --quiet --no-index --no-deps --find-links "$PACK/wheels" --target "$WORK/site" "$PACK"/wheels/*.whl \
  >>"$OUT/log.txt" 2>&1 || { say "the wheels could not be installed"; exit 1; }
export PYTHONPATH="$PWD/src:$PWD:$WORK/site" PYTHONUNBUFFERED=1 SWARAM_TEST_DEVICE=$DEVICE
$PYTHON -c 'import torch; print(torch.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")' \
  | tee -a "$OUT/log.txt"
FAILED=0

say "tests"
timeout "$(share 40 60)" $PYTHON -m pytest -q -p no:cacheprovider -m cuda --confcutdir tests/cuda tests/cuda \
  >"$OUT/tests.txt" 2>&1 || { FAILED=1; say "tests failed or took too long"; }
tail -1 "$OUT/tests.txt" | tee -a "$OUT/log.txt"

say "rates"
timeout "$(share 50 30)" $PYTHON benchmarks/gpu.py rates --device "$DEVICE" --seconds "$(share 35 10)" --out "$OUT" \
  >>"$OUT/log.txt" 2>&1 || { FAILED=1; say "rates failed or took too long"; }

say "training"
$PYTHON benchmarks/gpu.py unpack "$PACK/data.tar" "$WORK/data" >>"$OUT/log.txt" 2>&1 || { FAILED=1; say "no data"; }
timeout --signal=TERM --kill-after=60 "$(share 100 60)" $PYTHON benchmarks/gpu.py train --device "$DEVICE" \
  --seconds "$(share 75 10)" --data "$WORK/data" --work "$WORK/run" --weights "$PACK/weights" --out "$OUT" >>"$OUT/log.txt" 2>&1 \
  || { FAILED=1; say "training failed or took too long"; }
say "done, status $FAILED"
exit $FAILED
