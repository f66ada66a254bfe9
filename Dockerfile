# rnner serve on a CPU, without PyTorch: it serves models exported to ONNX, such as the bundled one.
#
#     docker build -t rnner .
#     docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8000:8000 rnner
#
# docs/serve.md shows how to serve a model of your own, and how to set a token.

FROM python:3.12-slim AS build
RUN python -m venv /opt/rnner
ENV PATH=/opt/rnner/bin:$PATH
WORKDIR /source
COPY constraints.txt ./
# What `rnner serve` imports. The other dependencies are for training.
RUN pip install --no-cache-dir -c constraints.txt \
    numpy onnxruntime pydantic pyyaml typer rich regex safetensors fastapi uvicorn prometheus_client
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
COPY --from=build /opt/rnner /opt/rnner
ENV PATH=/opt/rnner/bin:$PATH PYTHONDONTWRITEBYTECODE=1
# A user without a name, home or shell, who owns no file of the image.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", \
    "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=4); \
    c.request('GET', '/health'); assert c.getresponse().status == 200"]
ENTRYPOINT ["rnner", "serve", "--backend", "onnx", "--host", "0.0.0.0", "--port", "8000"]
