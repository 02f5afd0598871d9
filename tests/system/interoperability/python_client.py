"""Generates a Python client from the OpenAPI document and uses it: `python_client.py URL PHOTO DIGIT DIGIT`.

Runs in the virtual environment of the clients, in an empty folder. Prints JSON; images are base64.
"""

import base64
import json
import subprocess
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any


def main() -> None:
    url, photo, *digits = sys.argv[1:]
    generator = Path(sys.executable).with_name("openapi-python-client")
    command = [
        str(generator),
        "generate",
        "--url",
        f"{url}/openapi.json",
        "--meta",
        "none",
        "--output-path",
        "generated",
    ]
    subprocess.run(command, check=True, stdout=sys.stderr)
    sys.path.insert(0, ".")
    client = import_module("generated").Client(base_url=url)
    types, models = import_module("generated.types"), import_module("generated.models")
    filter_image = import_module("generated.api.filter_.filter_image")
    classify_digits = import_module("generated.api.digits.classify_digits")

    def open_file(path: str) -> Any:
        return types.File(payload=BytesIO(Path(path).read_bytes()), file_name=Path(path).name, mime_type="image/png")

    upload = models.FilterImageFilesBody(file=open_file(photo))
    filtered = filter_image.sync("sharpen", client=client, body=upload, border=models.FilterImageBorder.REFLECT)
    explained = filter_image.sync("sharpen", client=client, body=upload, explain=models.FilterImageExplain.JSON)
    problem = filter_image.sync("no-such-kernel", client=client, body=upload)
    read = classify_digits.sync(
        client=client, body=models.ClassifyDigitsFilesBody(file=[open_file(path) for path in digits])
    )
    print(
        json.dumps(
            {
                "filtered": base64.b64encode(filtered.payload.getvalue()).decode(),
                "explained": json.loads(explained.payload.getvalue()),
                "problem": {"class": type(problem).__name__, "status": problem.status, "detail": problem.detail},
                "digits": [{"class": type(one).__name__, "digit": one.digit} for one in read],
            }
        )
    )


main()
