#!/usr/bin/env bash
# Makes codemirror.js anew out of the packages that package.json names, in a temporary folder. Needs Node.js with npm.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$here/entry.js" "$work"
cd "$work"
npm install --silent --no-audit --no-fund --no-package-lock
npx esbuild entry.js --bundle --minify --format=esm --target=es2022 --legal-comments=none \
  --banner:js="/* CodeMirror 6, MIT: see LICENSE and ORIGIN.md beside this file. */" --outfile="$here/codemirror.js"
sha256sum "$here/codemirror.js"
