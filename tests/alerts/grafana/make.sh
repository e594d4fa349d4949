#!/usr/bin/env bash
# Writes board.schema.json and units.json anew from Grafana's published packages (versions: package.json). Needs npm.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cp "$here/board.ts" "$here/package.json" "$here/write.mjs" "$place"
cd "$place"
npm install --silent --no-audit --no-fund --legacy-peer-deps --ignore-scripts
npx ts-json-schema-generator --path board.ts --type Board --no-type-check --out generated.json
node write.mjs generated.json "$here"
