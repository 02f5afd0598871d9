"""Peers that read digits behind FastAPI, with the weights and the preparation of this project. Run in its own venv.

    uvicorn benchmarks.peers.digits:make_keras_app --factory      # Keras' `model.predict`
    uvicorn benchmarks.peers.digits:make_onnx_app --factory       # onnxruntime

POST /classify (multipart: file) answers the digit and its ten probabilities, the way a short tutorial would do it.
"""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from fastapi import FastAPI, UploadFile
from numpy.typing import NDArray
from PIL import Image

from benchmarks.peers.onnx_network import build_onnx_network
from models.calibration import softmax
from models.network import DIGITS, build_bundled_network
from models.reader.preprocess import prepare_image
from models.reader.weights import BUNDLED_FOLDER, read_weights

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From (n, 28, 28) in 0..1 to logits (n, 11)."""


def make_keras_app() -> FastAPI:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)  # the server's processes are the parallelism
    tf.config.threading.set_inter_op_parallelism_threads(1)
    weights, card = read_weights(BUNDLED_FOLDER)
    model = build_bundled_network()
    model.set_weights(weights)
    lock = threading.Lock()  # `predict` is not safe in two threads at once

    def predict(fields: NDArray[np.float32]) -> NDArray[np.float32]:
        with lock:
            return np.asarray(model.predict(fields[..., None], verbose=0))

    return make_app(predict, card)


def make_onnx_app() -> FastAPI:
    import onnxruntime

    weights, card = read_weights(BUNDLED_FOLDER)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    network = build_onnx_network(weights).SerializeToString()
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    return make_app(lambda fields: np.asarray(session.run(None, {"fields": fields[:, None]})[0]), card)


def make_app(network: Network, card: dict[str, Any]) -> FastAPI:
    app = FastAPI()
    network(np.zeros((1, 28, 28), np.float32))

    @app.get("/healthz")
    def healthz() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/classify")
    def classify(file: UploadFile) -> dict[str, Any]:
        prepared = prepare_image(np.asarray(Image.open(file.file)))
        logits = network(np.stack([one.field for one in prepared]))
        probabilities = softmax(logits[0, :DIGITS] / card["temperature"])
        return {"digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}

    return app
