#!/usr/bin/env bash
# Builds the wheel, installs it alone in a bare environment, and asks each command there for its help.
#
#   tests/check_wheel.sh .venv/bin/python
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
most_kib=$((30 * 1000 * 1000 / 1024))
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$python" -m build --wheel --outdir "$folder" . >"$folder/build.log" 2>&1 || { cat "$folder/build.log" >&2; exit 1; }
"$python" -m venv --without-pip "$folder/bare"
"$python" -m pip --python "$folder/bare/bin/python" install --quiet --disable-pip-version-check "$folder"/*.whl

for command in exporter planner alerts dashboard; do
  if ! (cd "$folder" && "bare/bin/bullgauge-$command" --help >help.txt) || [ ! -s "$folder/help.txt" ]; then
    echo "check_wheel: bullgauge-$command --help does not work without extras" >&2
    exit 1
  fi
done

if said=$("$folder/bare/bin/bullgauge-exporter" demo 2>&1) || ! grep -q "bullgauge\[demo\]" <<<"$said"; then
  echo "check_wheel: without the demo extra, the demo should say what to install; it said: $said" >&2
  exit 1
fi

used_kib=$(du -sk "$folder/bare/lib" | cut -f1)
if [ "$used_kib" -gt "$most_kib" ]; then
  echo "check_wheel: the base install takes $used_kib KiB, more than the 30 MB promised" >&2
  du -sk "$folder"/bare/lib/python*/site-packages/* | sort -rn | head -10 >&2
  exit 1
fi
echo "check_wheel: four commands answer --help from the wheel alone; $((used_kib * 1024 / 1000000)) MB on disk"
