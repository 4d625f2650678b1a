#!/usr/bin/env bash
# Training on a GPU, measured in about ten minutes; the rows for the section "On a GPU" of RESULTS.md.
#     bash benchmarks/gpu.sh [FILE]
# Needs an environment with signkit[train,video] and a torch for CUDA; another than .venv: PYTHON=…
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
file="${1:-gpu.md}"
if ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  echo "torch sees no GPU; docs/gpu.md says how to install a torch for CUDA" >&2
  exit 1
fi
{
  "$python" benchmarks/gpu.py machine kernel steps longest
  printf '\n**losses**\n\n```\n'
  "$python" benchmarks/cst_cost.py --threads 1
  printf '```\n'
  "$python" benchmarks/gpu.py scores
} | tee "$file"
echo "written: $file"
