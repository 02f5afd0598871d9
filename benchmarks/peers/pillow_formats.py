"""Peer: Pillow behind FastAPI, for the formats that the peer in ../shared does not write. Run in that peer's venv.

POST /filter (multipart: file, kernel, fmt): WebP of quality 80 and GIF. Pillow has no RGB of 16 bits.
"""

import io
from typing import Annotated

import PIL
from fastapi import FastAPI, Form, UploadFile
from fastapi.responses import Response
from PIL import Image, ImageFilter

app = FastAPI()


@app.get("/healthz")
def healthz():
    return {"ok": True, "pillow": PIL.__version__}


@app.post("/filter")
def filter_image(file: UploadFile, kernel: Annotated[str, Form()], fmt: Annotated[str, Form()]):
    weights = [float(v) for v in kernel.split(",")]
    image = Image.open(file.file).convert("RGB")
    # Pillow applies a kernel upside down, so its rows go in from the last; scale=1: no division by the sum
    turned = [*weights[6:], *weights[3:6], *weights[:3]]
    out = image.filter(ImageFilter.Kernel((3, 3), turned, scale=1))
    buffer = io.BytesIO()
    out.save(buffer, fmt.upper(), **({"quality": 80} if fmt == "webp" else {}))
    return Response(buffer.getvalue(), media_type=f"image/{fmt}")
