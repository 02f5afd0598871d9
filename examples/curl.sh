#!/bin/sh
# Filter images and read a digit with curl: examples/curl.sh [ADDRESS] [FOLDER]
# Needs a running service (scripts/serve). Results go to FOLDER, by default the current one.
set -eu
service=${1:-http://localhost:8000}
results=${2:-.}
images=$(dirname "$0")/images

# One kernel.
curl -sS --fail-with-body -F "file=@$images/house.png" "$service/filter/emboss" -o "$results/emboss.png"

# A chain: blur first, then find edges. `sigma` and `border` are parameters of the kernels.
curl -sS --fail-with-body -F "file=@$images/house.png" \
    "$service/filter/gaussian,top-sobel?sigma=2&border=reflect" -o "$results/edges.png"

# A contact sheet of three kernels.
curl -sS --fail-with-body -F "file=@$images/house.png" \
    "$service/gallery?kernels=sharpen,emboss,edge" -o "$results/sheet.png"

# A handwritten digit.
curl -sS --fail-with-body -F "file=@$images/seven.jpg" "$service/classify" -o "$results/digit.json"
cat "$results/digit.json"
