FROM python:3.11-slim

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY nli_tagger nli_tagger
COPY server server
COPY training training
RUN pip install --no-cache-dir --constraint constraints.txt . && useradd --create-home tagger

USER tagger
WORKDIR /home/tagger
ENV NLI_TAGGER_HOST=0.0.0.0 NLI_TAGGER_PORT=8000 NLI_TAGGER_DATA_DIR=/home/tagger/data
EXPOSE 8000
VOLUME /home/tagger/data
HEALTHCHECK CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=5)"
# beyond loopback the server wants a key: docker run -e NLI_TAGGER_API_KEYS=... -p 8000:8000 nli-tagger
CMD ["nli-tagger", "serve"]
