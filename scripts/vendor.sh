#!/bin/sh
# Fetch the browser libraries named below with npm and write webapp/static/vendor again.
# For maintainers only: the result is committed, so running or changing Postbridge needs no Node.
# To add an icon: put its Lucide name in webapp/static/vendor/icons.txt and run this script.
set -eu

HTMX=4.0.1
UPLOT=1.6.32
INTER=5.3.0
LUCIDE=1.62.0
SWAGGER=5.35.0

root=$(cd "$(dirname "$0")/.." && pwd)
out="$root/webapp/static/vendor"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch() { # fetch PACKAGE@VERSION DIRECTORY: unpack one npm package, without running its scripts
    mkdir -p "$work/$2"
    tarball=$(cd "$work" && npm pack --silent "$1" 2>/dev/null | tail -n 1)
    tar -xzf "$work/$tarball" -C "$work/$2" --strip-components=1
}

put() { # put DIRECTORY FILE...: copy files out of an unpacked package
    mkdir -p "$out/$1"
    dir=$1
    shift
    for file in "$@"; do
        cp "$work/$dir/$file" "$out/$dir/$(basename "$file")"
        chmod 644 "$out/$dir/$(basename "$file")"
    done
}

fetch "htmx.org@$HTMX" htmx
fetch "uplot@$UPLOT" uplot
fetch "@fontsource-variable/inter@$INTER" inter
fetch "lucide-static@$LUCIDE" lucide
fetch "swagger-ui-dist@$SWAGGER" swagger-ui

put htmx dist/htmx.min.js dist/ext/hx-sse.min.js LICENSE
put uplot dist/uPlot.iife.min.js dist/uPlot.min.css LICENSE
put inter files/inter-latin-wght-normal.woff2 files/inter-latin-ext-wght-normal.woff2 LICENSE
put lucide LICENSE
put swagger-ui swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt swagger-ui.css LICENSE NOTICE
# The maps are not served; without this line browsers ask for them and log a 404.
for file in htmx/htmx.min.js htmx/hx-sse.min.js swagger-ui/swagger-ui-bundle.js swagger-ui/swagger-ui.css; do
    sed -e 's|//# sourceMappingURL=.*$||' -e 's|/\*# sourceMappingURL=[^*]*\*/||' "$out/$file" > "$work/clean"
    cat "$work/clean" > "$out/$file"
done
# Brotli at its best makes a fifth less of the largest files than gzip does, and takes seconds: it is done here, once.
for file in swagger-ui/swagger-ui-bundle.js swagger-ui/swagger-ui.css; do
    node -e 'const z = require("zlib"), fs = require("fs"), c = z.constants, [from] = process.argv.slice(1)
        fs.writeFileSync(from + ".br", z.brotliCompressSync(fs.readFileSync(from), { params: { [c.BROTLI_PARAM_QUALITY]: 11, [c.BROTLI_PARAM_LGWIN]: 24 } }))' \
        "$out/$file"
done
python3 "$root/scripts/make_sprite.py" "$work/lucide/icons" "$out/icons.txt" "$out/lucide/icons.svg"

{
    echo "htmx.org $HTMX"
    echo "uplot $UPLOT"
    echo "@fontsource-variable/inter $INTER"
    echo "lucide-static $LUCIDE"
    echo "swagger-ui-dist $SWAGGER"
    echo
    (cd "$out" && find . -type f ! -name VENDOR.txt ! -name README.md ! -name icons.txt | sort | sed 's|^\./||' | xargs sha256sum)
} > "$out/VENDOR.txt"
python3 "$root/scripts/build_css.py"
echo "vendored into webapp/static/vendor"
