import type { Router } from 'express';
import type { ApiState } from './api/exchange.ts';

/** Faults of the API and the log of its calls. */
export function apiLogRoutes(router: Router, { calls, faults }: ApiState): void {
  router.get('/api-calls', (req, res) => {
    const { siteId, since, limit, summary } = req.query;
    const scope = typeof siteId === 'string' ? siteId : null;
    if (summary !== undefined) res.json(calls.summary(scope));
    else res.json(calls.list({ since: Number(since ?? 0), limit: Number(limit ?? 100_000), scope }));
  });
  router.get('/api-faults', (_req, res) => {
    res.json(faults.list());
  });
  router.post('/api-faults', (req, res) => {
    res.status(201).json(faults.add(req.body));
  });
  router.delete(['/api-faults', '/api-faults/:id'], (req, res) => {
    const id = req.params['id'];
    faults.remove(id === undefined ? null : Number(id));
    res.status(204).end();
  });
}
