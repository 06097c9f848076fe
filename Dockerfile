# The platform as one image, run by docker-compose.yml under several commands, and DynamoDB Local with a folder for its
# data. Every version is exact; constraints.txt pins what requirements.txt draws in.

FROM node:24.19.0-slim AS frontend
WORKDIR /build
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM python:3.13.9-slim AS packages
COPY requirements.txt constraints.txt ./
# The last section of requirements.txt is the local stack of `make run`: servers, Java and Node. Here they are containers.
# promise is pure Python and has no wheel; everything else that had none would need a compiler, and is refused.
RUN sed '/^# The local stack/,$d' requirements.txt > runtime.txt \
    && python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --only-binary=:all: --no-binary=promise \
        --requirement runtime.txt --constraint constraints.txt

FROM python:3.13.9-slim AS platform
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TRADING_DATA_DIR=/data
# /data belongs to the user that runs the platform, and so does a new volume that is mounted there.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin trading \
    && install --directory --owner=trading --group=trading --mode=0700 /data
WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py ./
COPY accounts accounts
COPY identity identity
COPY edge edge
COPY eventstore eventstore
COPY market market
COPY readmodels readmodels
COPY temporal temporal
COPY tradingplatform tradingplatform
COPY scripts scripts
COPY --from=frontend /build/dist frontend/dist
USER trading
CMD ["python", "manage.py", "help"]

# The official image, with a folder that its user may write to: a volume mounted there takes over its owner.
FROM amazon/dynamodb-local:1.25.1 AS dynamodb
USER root
RUN mkdir /data && chown dynamodblocal /data
USER dynamodblocal
