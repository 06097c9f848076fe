// How the front end is built and served while one works on it. The build goes to frontend/dist and is served by the
// platform under /static/app/; `npm run dev` hands everything that is not the page to the platform on port 8000.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const platform = "http://127.0.0.1:8000";

export default defineConfig({
  base: "/static/app/",
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: true,
    target: ["chrome123", "edge123", "firefox121", "safari17.5"],
    chunkSizeWarningLimit: 400,
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    proxy: {
      "/api": platform,
      "/graphql": platform,
      "/ws": { target: platform, ws: true },
    },
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/test_setup.ts"],
    restoreMocks: true,
  },
});
