"""What importing the application costs."""

import subprocess
import sys

HEAVY = (
    "dlib",
    "onnxruntime",
    "torch",
    "cv2",
    "librosa",
    "numpy",
    "PIL",
    "sqlalchemy",
    "redis",
    "prometheus_client",
)


def test_importing_the_application_loads_no_model_and_no_numerical_library():
    program = f"import sys, authsvc.bootstrap.app; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"
