"""The service as it is usually written: the control that the tests of the promises have to catch."""

import io

from fastapi import FastAPI, HTTPException, Response, UploadFile
from PIL import Image, ImageFilter, UnidentifiedImageError

app = FastAPI()


@app.post("/filter")
def filter_image(file: UploadFile) -> Response:
    try:
        image = Image.open(file.file)
        image.load()
    except (UnidentifiedImageError, OSError):
        raise HTTPException(422, "not an image") from None
    format = image.format or "PNG"
    filtered = image.convert("RGB").filter(ImageFilter.Kernel((3, 3), (0, -1, 0, -1, 5, -1, 0, -1, 0), 1))
    buffer = io.BytesIO()
    filtered.save(buffer, format)
    return Response(buffer.getvalue(), media_type=f"image/{format.lower()}")
