# A log of one machine, in an image: docs/configuration.md, "In a container". `npm run test:image` runs these steps without an engine.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run -s build

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/sealtrail
COPY package.json package-lock.json .npmrc LICENSE ./
RUN npm ci --omit=dev --omit=peer --ignore-scripts && npm cache clean --force
COPY --from=build /build/dist/bin ./dist/bin
COPY --from=build /build/dist/lib ./dist/lib
COPY --from=build /build/dist/console ./dist/console
# The data folder: keys and records, for the user of the process alone.
RUN install -d -o node -g node -m 700 /data
VOLUME /data
USER node
EXPOSE 8321
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8321/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/sealtrail/dist/bin/sealtrail.js"]
CMD ["serve", "--data", "/data", "--host", "0.0.0.0", "--port", "8321"]
