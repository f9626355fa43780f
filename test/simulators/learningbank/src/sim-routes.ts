import { Router, type Request } from 'express';
import { z } from 'zod';
import { notFound } from './api-error.ts';
import { notify, NotifyInput } from './notification-routes.ts';
import type { Platform } from './platform.ts';
import { PlatformInput } from './seed.ts';
import type { World } from './world.ts';

const Clock = z.union([
  z.strictObject({ nowMs: z.number(), frozen: z.boolean().default(false) }),
  z.strictObject({ now: z.iso.datetime({ offset: true }), frozen: z.boolean().default(false) }),
  z.strictObject({ advanceMs: z.number() }),
  z.strictObject({ real: z.literal(true) }),
]);

const SettingsInput = z
  .strictObject({
    rateLimitPerMinute: z.int().min(0),
    tokenTtlS: z.number().positive(),
    language: z.string(),
    languages: z.array(z.string()),
    activationMails: z.boolean(),
    credentials: z.strictObject({ username: z.string(), password: z.string(), token: z.string() }).partial(),
    notificationHook: z.strictObject({ url: z.url(), secret: z.string() }).nullable(),
  })
  .partial();

/** The simulator's own endpoints, below `/_sim`: for tests and for people watching. */
export function simRoutes(world: World): Router {
  const router = Router();
  router.get('/platforms', (req, res) => {
    res.json([...world.platforms.values()].map((platform) => describe(platform, req)));
  });
  router.post('/platforms', (req, res) => {
    res.status(201).json(describe(world.addPlatform(PlatformInput.parse(req.body ?? {})), req));
  });
  router.patch('/platforms/:platform', (req, res) => {
    const platform = world.platform(Number(req.params.platform));
    const { credentials, notificationHook, ...settings } = SettingsInput.parse(req.body ?? {});
    if (notificationHook !== undefined) platform.notifications.hook = notificationHook;
    Object.assign(platform.settings, settings);
    Object.assign(platform.credentials, credentials);
    if (credentials) platform.tokens.clear();
    platform.rateLimit.reset();
    res.json(describe(platform, req));
  });
  router.get('/state', (req, res) => {
    res.json(dump(world.platform(platformOf(req) ?? world.firstId), req));
  });
  callRoutes(router, world);
  faultRoutes(router, world);
  router.put('/clock', (req, res) => {
    const wanted = Clock.parse(req.body);
    if ('real' in wanted) world.clock.reset();
    else if ('advanceMs' in wanted) world.clock.advance(wanted.advanceMs);
    else world.clock.set('now' in wanted ? Date.parse(wanted.now) : wanted.nowMs, wanted.frozen);
    res.json({ nowMs: world.clock.now(), now: world.clock.iso() });
  });
  router.post('/notifications', async (req, res) => {
    const input = NotifyInput.parse(req.body);
    res.status(201).json(await notify(world.platform(input.platform ?? world.firstId), input));
  });
  router.post('/reset', (req, res) => {
    world.reset();
    res.json(describe(world.platform(world.firstId), req));
  });
  return router;
}

function callRoutes(router: Router, world: World): void {
  router.get('/calls', (req, res) => {
    const platform = platformOf(req);
    if (req.query['summary'] !== undefined) res.json(world.calls.summary(platform));
    else {
      const since = Number(req.query['since'] ?? 0);
      const limit = Number(req.query['limit'] ?? 100_000);
      res.json(world.calls.list({ since, limit, scope: platform }));
    }
  });
}

function faultRoutes(router: Router, world: World): void {
  router.get('/faults', (_req, res) => {
    res.json(world.faults.list());
  });
  router.post('/faults', (req, res) => {
    res.status(201).json(world.faults.add(req.body));
  });
  router.delete(['/faults', '/faults/:id'], (req, res) => {
    const id = req.params['id'];
    world.faults.remove(id === undefined ? null : Number(id));
    res.status(204).end();
  });
}

/** `?platform=`; null = all, or the first, as the route has it. */
function platformOf(req: Request): number | null {
  const { platform } = req.query;
  if (platform === undefined) return null;
  const id = Number(platform);
  if (Number.isNaN(id)) throw notFound('platform');
  return id;
}

/** Where the simulator is reached, as the caller sees it. */
export function originOf(req: Request): string {
  return `${req.protocol}://${req.headers.host ?? 'localhost'}`;
}

function describe(platform: Platform, req: Request): unknown {
  const site = `${originOf(req)}/p/${platform.id}`;
  return {
    id: platform.id,
    name: platform.name,
    url: `${site}/api/v1`,
    siteUrl: site,
    credentials: platform.credentials,
    topDepartmentId: platform.departments.topId,
    settings: platform.settings,
  };
}

function dump(platform: Platform, req: Request): unknown {
  const { departments, permissionTypes, jobProfiles, users } = platform;
  return {
    platform: describe(platform, req),
    defaults: {
      departmentId: departments.defaultId,
      permissionTypeId: permissionTypes.defaultId,
      jobProfileId: jobProfiles.defaultId,
    },
    departments: [...departments.byId.values()].map((one) => ({ ...one, isTop: one.id === departments.topId })),
    permissionTypes: [...permissionTypes.byId.values()],
    jobProfiles: [...jobProfiles.byId.values()],
    users: [...users.byId.values()],
    activationMails: users.activationMails,
    notificationTypes: [...platform.notifications.types.values()],
    notifications: platform.notifications.sent,
  };
}
