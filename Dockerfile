# The operator's image. Any builder of OCI images builds it: docker build . or podman build .
# npm run image does so with labels, and puts the SBOM beside it (docs/image.md).

# Builds the bundle: Node 24 with npm.
ARG BUILD_IMAGE=docker.io/library/node:24-trixie-slim
# Runs it: Node 24 on the PATH below, and nothing else is needed of it.
ARG BASE_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY scripts/setup.mjs scripts/
# Without a shell, so that a build image need not have one. Does nothing where what the lockfile pins is there.
RUN ["node", "scripts/setup.mjs"]
COPY scripts/ scripts/
COPY src/ src/
COPY operator/ operator/
RUN ["node", "scripts/build.ts"]
RUN ["node", "scripts/sbom.ts"]

FROM ${BASE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="idhub-aws-connector" \
      org.opencontainers.image.description="The AWS connector of IDHub as a Kubernetes operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build --chown=0:0 --chmod=0444 /build/dist/operator.mjs /build/dist/operator.mjs.LEGAL.txt /build/dist/licenses.txt /build/dist/sbom.cdx.json /app/
COPY --chown=0:0 --chmod=0444 LICENSE /app/
# Where distroless has Node, then where others have it.
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin NODE_ENV=production
WORKDIR /app
USER 65532:65532
EXPOSE 7002 8080
ENTRYPOINT ["node", "--max-semi-space-size=8", "/app/operator.mjs"]
CMD []
