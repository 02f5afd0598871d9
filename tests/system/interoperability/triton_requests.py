"""Requests of NVIDIA's client for the Open Inference Protocol: `triton_requests.py HOST:PORT IMAGES.npz`.

IMAGES has `files` (encoded images, one array of bytes each) and `fields` (n, 28, 28). Prints JSON. Runs in the virtual
environment of the clients.
"""

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def main() -> None:
    address, path = sys.argv[1:]
    with np.load(path) as archive:
        fields = archive["fields"]
        files = [archive[name].tobytes() for name in sorted(archive.files) if name != "fields"]
    with triton.InferenceServerClient(address) as client:
        image = make_input(np.array(files, dtype=np.object_))
        read = client.infer("digits", [image], request_id="ten")
        print(
            json.dumps(
                {
                    "live": client.is_server_live(),
                    "ready": client.is_server_ready() and client.is_model_ready("digits", "2"),
                    "extensions": client.get_server_metadata()["extensions"],
                    "inputs": client.get_model_metadata("digits")["inputs"],
                    "id": read.get_response()["id"],
                    "digits": read.as_numpy("digit").tolist(),
                    "verdicts": [text.decode() for text in read.as_numpy("verdict")],
                    "probabilities": read.as_numpy("probabilities").tolist(),
                    "fields": [read_fields(client, fields, is_binary) for is_binary in (False, True)],
                    "damaged": describe_error(client, "digits", make_input(np.array([b"no image"], dtype=np.object_))),
                    "unknown": describe_error(client, "letters", image),
                    "again": client.infer("digits", [image]).as_numpy("digit").tolist(),
                }
            )
        )


def make_input(files: Any) -> Any:
    tensor = triton.InferInput("image", [len(files)], "BYTES")
    tensor.set_data_from_numpy(files)
    return tensor


def read_fields(client: Any, fields: Any, is_binary: bool) -> Any:
    tensor = triton.InferInput("field", list(fields.shape), "FP32")
    tensor.set_data_from_numpy(fields, binary_data=is_binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=is_binary) for name in ("digit", "confidence")]
    result = client.infer("digits", [tensor], outputs=outputs)
    return {"digits": result.as_numpy("digit").tolist(), "dtype": str(result.as_numpy("confidence").dtype)}


def describe_error(client: Any, model: str, tensor: Any) -> Any:
    try:
        client.infer(model, [tensor])
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


main()
