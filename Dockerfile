# The two programs on a CPU, run by a user without rights; `docs/docker.md` says how it is used.
# Everything that is written goes to /data (a volume) or /tmp, so the root can be read-only.

FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=offline,openai,serve,postgres,duckdb,http
# PyTorch's own index has wheels without CUDA, which are a tenth of the size.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/profiler
ENV PATH=/opt/profiler/bin:$PATH
WORKDIR /source
COPY constraints.txt ./
RUN pip install --index-url "$TORCH_INDEX" "$(grep '^torch==' constraints.txt)"
COPY pyproject.toml README.md LICENSE MANIFEST.in cli.py ./
COPY store ./store
COPY prompts ./prompts
COPY profiler ./profiler
COPY recommender ./recommender
RUN pip install --constraint constraints.txt ".[$EXTRAS]"

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 profiler \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin profiler \
    && install --directory --owner 10001 --group 10001 /data
COPY --from=build /opt/profiler /opt/profiler
ENV PATH=/opt/profiler/bin:$PATH \
    HOME=/data \
    NUMBA_CACHE_DIR=/tmp/numba \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8765
ENTRYPOINT ["profiler"]
CMD ["--help"]
