#!/usr/bin/env bash
# docs/LAYERS.md must be what the table of layers prints. Mend with ./dev manual.
set -euo pipefail
source_dir=$1 build_dir=$2
cmake --build "$build_dir" --target layers_manual >/dev/null
if ! diff -u "$source_dir/docs/LAYERS.md" <("$build_dir/bin/layers_manual"); then
  echo "docs/LAYERS.md is stale: run ./dev manual" >&2
  exit 1
fi
