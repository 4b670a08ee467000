#!/usr/bin/env python3
"""Takes the parts of nhsuk-frontend that the screens serve, without what only NHS organisations may use.

    npm pack nhsuk-frontend@10.6.1
    python3 tools/vendor_nhsuk.py nhsuk-frontend-10.6.1.tgz

Writes the style sheet, the script, four icons, the licence and their SHA-256 into
`crates/nhs-pds-admin/assets/nhsuk/`. Removes the font Frutiger, which its licence restricts to NHS organisations in
England, and with it the calls to another host. Takes neither the logo nor the icons that show it: they are a trade mark.
A unit test of the crate compares the files with the list.
"""

import hashlib
import os
import re
import sys
import tarfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.join(ROOT, "crates", "nhs-pds-admin", "assets", "nhsuk")
ICONS = ["arrow-down", "arrow-up", "arrow-up-down", "cross"]
# The package says MIT in its README and has no file with the text.
LICENCE = """MIT License

Copyright (c) 2019 NHS England

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def style_sheet(text):
    text = re.sub(r"@font-face\s*\{[^}]*\}", "", text)
    text = text.replace("Frutiger W01,", "")
    text = re.sub(r"url\(/assets/images/([^)]+)\)", r"url(\1)", text)
    return re.sub(r"/\*# sourceMappingURL=.*?\*/", "", text)


def script(text):
    return re.sub(r"//# sourceMappingURL=.*", "", text)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tarfile.open(sys.argv[1]) as archive:
        read = lambda name: archive.extractfile(f"package/dist/nhsuk/{name}").read().decode()
        files = {
            "nhsuk-frontend.css": style_sheet(read("nhsuk-frontend.min.css")),
            "nhsuk-frontend.js": script(read("nhsuk-frontend.min.js")),
            "LICENSE": LICENCE,
        }
        for icon in ICONS:
            name = f"nhsuk-icon-{icon}.svg"
            files[name] = read(f"assets/images/{name}")
    for name, text in files.items():
        for forbidden in ["Frutiger", "url(/", "assets.nhs.uk"]:
            if forbidden in text:
                sys.exit(f"{name} still has {forbidden}")
    os.makedirs(TARGET, exist_ok=True)
    sums = ""
    for name, text in sorted(files.items()):
        data = (text.rstrip() + "\n").encode()
        with open(os.path.join(TARGET, name), "wb") as file:
            file.write(data)
        sums += f"{hashlib.sha256(data).hexdigest()}  {name}\n"
    with open(os.path.join(TARGET, "SHA256SUMS"), "w") as file:
        file.write(sums)


if __name__ == "__main__":
    main()
