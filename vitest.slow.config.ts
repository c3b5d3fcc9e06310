import { defineConfig } from 'vitest/config';
import usual from './vitest.config.ts';

/** Tests that are slow by nature: real processes, kills, bundling, big archives. `npm run test:slow` runs them, `npm test` does not. */
const { projects: _, ...options } = usual.test ?? {};
export default defineConfig({ test: { ...options, include: ['test/**/*.slow.test.ts'] } });
