"""Who may know whom, and what for: the rules that `test_architecture` holds the source against.

What stands here is either the rule or a deliberate exception with its reason. A new room, a new library and a new exception
each take a line.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS = frozenset(
    {
        "biometric",
        "canonical",
        "clock",
        "ephemeral",
        "errors",
        "events",
        "factor",
        "http",
        "keys",
        "money",
        "payment",
        "subject",
        "text",
    }
)
"""What everyone shares. They know each other and nothing else."""

ROOMS: Mapping[str, Mapping[str, str]] = {
    "audit": {"look": "a bundle is handed over as a page in one file"},
    "caller": {},
    "device": {},
    "face": {},
    "gait": {},
    "habit": {},
    "look": {},
    "otp": {},
    "policy": {},
    "serving": {},
    "voice": {},
    "webhook": {},
    "lab": {
        "face": "measures the room as it is",
        "voice": "measures the room as it is",
        "gait": "measures the room as it is",
        "look": "a report is a page in one file",
    },
    "workers": {
        "face": "serves the room from a process of its own",
        "voice": "serves the room from a process of its own",
        "serving": "writes its log as every process of the service does",
    },
}
"""The rooms, and whom each may know besides the words, because…"""

DEMO_MAY_KNOW = {
    "client": "is a payment backend",
    "caller": "is the payer's app, which speaks HTTP as the client does",
    "config": "finds the models where the service would",
    "bootstrap": "the shop is the client that the development key belongs to",
}
"""Whom the demo (`cli/demo/`), a client of the HTTP contract, may know besides the words, because…"""

COMPOSITION = frozenset({"bootstrap", "cli"})
"""Where everything is put together and started: above all else."""

STORAGE_KNOWN_BY = {
    "storage": "is it",
    "bootstrap": "opens the stores that the settings name, and brings their schema to this version",
    "cli": "is the operator's way to the stores, and names their transaction",
}

MOST_PACKAGES, MOST_MODULES = 25, 15
"""What stands directly in `authsvc/`: a reader takes in this much at a glance."""

WEB_MAY_KNOW = {
    "device": "a stated device and the states of one are words of the contract",
    "policy": "the names of the levels are words of the contract",
    "habit": "the names of the signals are words of the contract",
    "gait": "what a recording is, and what it may say, are words of the contract",
    "look": "the console's pages share it with the pages for people",
    "serving": "a long poll gives its thread back to the server",
}
"""The rooms that the web may see a word of; everything else it asks the services."""

NOT_FOR_THE_FLOW = {"storage", "web", "serving", "workers", "lab"} | COMPOSITION

LIBRARIES: Mapping[str, Mapping[str, str]] = {
    "pyotp": {
        "authsvc/otp.py": "the factor",
        "authsvc/cli/demo/phone.py": "the payer's authenticator app",
        "authsvc/lab/drill/people.py": "the authenticator app of who is attacked",
    },
    "webauthn": {"authsvc/device/webauthn.py": "the ceremonies"},
    "pyasn1": {"authsvc/device/webauthn.py": "the description of an Android key, which came with webauthn"},
    "OpenSSL": {"authsvc/device/attestation.py": "chains of attestation certificates"},
    "segno": {"authsvc/otp.py": "the QR code"},
    "babel": {
        "authsvc/money.py": "amounts as people of a language write them",
        "authsvc/look/language.py": "the catalogues of our pages' sentences",
        "enrollment/": "days and moments on a page",
    },
    "sqlalchemy": {"authsvc/storage/": "the schema"},
    "alembic": {"authsvc/storage/": "its migrations"},
    "sqlite3": {
        "authsvc/audit/vouched.py": "what was signed, on disk while a log is verified",
        "authsvc/cli/demo/service.py": "writes behind the service's back, as a thief with the file would",
        "authsvc/storage/": "the embedded stores",
        "authsvc/lab/drill/insiders.py": "writes beside the service, as an insider does",
    },
    "psycopg": {"authsvc/storage/postgres.py": "the durable store"},
    "redis": {
        "authsvc/storage/ephemeral_redis.py": "the short-lived store",
        "authsvc/storage/redis_servers.py": "how it is reached",
        "authsvc/storage/redis_facts.py": "what it says of itself",
    },
    "dlib": {
        "authsvc/face/dlib_hog_engine.py": "the default detector",
        "authsvc/face/face_recognition_engine.py": "the reference",
    },
    "face_recognition_models": {"authsvc/face/face_recognition_engine.py": "the reference"},
    "librosa": {"authsvc/lab/voice_layers.py": "a machine's voice, as an attack"},
    "onnxruntime": {"authsvc/biometric/network.py": "every network"},
    "torch": {"authsvc/voice/ecapa_speechbrain_engine.py": "an engine in its own framework"},
    "torchaudio": {"authsvc/voice/ecapa_speechbrain_engine.py": "as above"},
    "speechbrain": {"authsvc/voice/ecapa_speechbrain_engine.py": "as above"},
    "onnx": {"authsvc/biometric/model_store/": "weights are written as graphs"},
    "tflite": {"authsvc/biometric/model_store/": "reads published networks without running them"},
    "numpy": {
        "authsvc/biometric/": "vectors",
        "authsvc/face/": "pictures",
        "authsvc/voice/": "sound",
        "authsvc/lab/": "scores",
        "authsvc/biometric/model_store/": "weights",
    },
    "PIL": {
        "authsvc/face/image.py": "decodes what was uploaded",
        "authsvc/cli/demo/drawn.py": "draws faces",
        "authsvc/lab/": "spoils photographs",
    },
    "av": {
        "authsvc/voice/av_engine.py": "decodes what browsers record",
        "authsvc/lab/clips.py": "reads test clips",
    },
    "soundfile": {"authsvc/voice/audio.py": "decodes sound"},
    "soxr": {"authsvc/voice/audio.py": "resamples"},
    "scipy": {"authsvc/lab/": "intervals"},
    "tomlkit": {
        "authsvc/lab/manifest_file.py": "writes an operating point into a manifest, comments and all"
    },
    "flask": {
        "authsvc/bootstrap/app.py": "the application",
        "authsvc/web/": "requests and answers",
        "authsvc/cli/demo/shop/": "a shop's pages",
        "authsvc/look/": "what our pages share",
        "enrollment/": "the pages for people",
    },
    "werkzeug": {
        "authsvc/bootstrap/app.py": "the application",
        "authsvc/web/": "requests and answers",
        "authsvc/cli/demo/shop/": "a shop's pages",
        "authsvc/cli/lab/record.py": "a page of consent, and captures that pass by",
        "authsvc/look/": "what our pages share",
        "enrollment/": "the pages for people",
    },
    "markupsafe": {
        "authsvc/web/console/": "a field that every form carries",
        "enrollment/": "a drawing inside of a page",
    },
    "opentelemetry": {"authsvc/serving/otel.py": "spans, where they are collected"},
    "pkcs11": {"authsvc/keys/token.py": "keys that sign, in a token"},
    "uvicorn": {"authsvc/serving/": "the HTTP protocol"},
    "prometheus_client": {"authsvc/web/metrics.py": "the counters"},
    "urllib3": {
        "authsvc/caller/wire.py": "the client's HTTP",
        "authsvc/webhook/post.py": "deliveries",
    },
    "click": {"authsvc/": "every room may bring a command"},
    "http_message_signatures": {
        "authsvc/web/bound.py": "verifies the requests that a backend signs",
        "authsvc/caller/signing.py": "signs them",
    },
    "cryptography": {"authsvc/": "every room may sign or seal"},
    "jwt": {
        "authsvc/domain/receipt.py": "signs",
        "authsvc/keys/jwk.py": "publishes",
        "authsvc/caller/receipts.py": "verifies",
        "authsvc/device/attesters/sys_integrity.py": "verifies what Huawei signs",
    },
    "pydantic": {"authsvc/": "validates wherever something comes from outside"},
    "pydantic_core": {"authsvc/policy/faults.py": "the words for a broken document"},
    "rfc8785": {
        "authsvc/canonical.py": "the canonical JSON",
        "authsvc/biometric/manifest.py": "the digest of a manifest",
        "authsvc/policy/loading.py": "the digest of a policy",
    },
}
"""Who may know a library, and what for. A place that ends in a slash stands for all below it."""

LOADED_LATE = (
    "dlib", "face_recognition_models", "librosa", "onnxruntime", "torch", "torchaudio", "speechbrain",
)  # fmt: skip
"""Heavy: imported where a model is loaded, never with the module."""

ENVIRONMENT_KNOWN_BY = {
    "authsvc/config.py": "reads the settings",
    "authsvc/cli/demo/service.py": "starts a service without ours",
    "authsvc/lab/voice_commands.py": "tells numerical libraries how many threads to take",
    "authsvc/voice/ecapa_speechbrain_engine.py": "keeps a library from the network",
    "authsvc/biometric/network.py": "keeps a library from telling tales",
    "authsvc/web/metrics.py": "a library reads its folder there and nowhere else",
    "authsvc/workers/main.py": "tells numerical libraries how many threads to take",
}

IMPURE = frozenset(
    {
        "asyncio",
        "http",
        "io",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
        "socket",
        "sqlite3",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
    }
)
