"""Peer: OpenCV behind FastAPI, for the formats that the peer in ../shared does not write. Run in that peer's venv.

POST /filter (multipart: file, kernel, fmt): WebP of quality 80, GIF, and PNG of 16 bits.
"""

import math
from typing import Annotated

import cv2
import numpy as np
from fastapi import FastAPI, Form, HTTPException, UploadFile
from fastapi.responses import Response

WRITTEN = {
    "webp": (".webp", [cv2.IMWRITE_WEBP_QUALITY, 80]),
    "gif": (".gif", [cv2.IMWRITE_GIF_DITHER, 3]),  # its default has 18 dB
    "png16": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 6]),
}

cv2.setNumThreads(1)  # the server's processes are the parallelism
app = FastAPI()


@app.get("/healthz")
def healthz():
    return {"ok": True, "opencv": cv2.__version__}


@app.post("/filter")
def filter_image(file: UploadFile, kernel: Annotated[str, Form()], fmt: Annotated[str, Form()]):
    weights = np.array([float(v) for v in kernel.split(",")], np.float32)
    side = math.isqrt(len(weights))
    extension, options = WRITTEN[fmt]
    flags = cv2.IMREAD_UNCHANGED if fmt == "png16" else cv2.IMREAD_COLOR
    image = cv2.imdecode(np.frombuffer(file.file.read(), np.uint8), flags)
    if image is None:
        raise HTTPException(415, "not an image")
    out = cv2.filter2D(image, -1, weights.reshape(side, side), borderType=cv2.BORDER_REPLICATE)
    _, encoded = cv2.imencode(extension, out, options)
    return Response(encoded.tobytes(), media_type=f"image/{extension[1:]}")
