/**
 * Whether tests try all of what they have: `npm run test:thorough`. `npm test` takes every second or third of what
 * differs little, a boundary of a kill, say, so that it ends within half an hour on two busy cores.
 */
export const thorough = process.env["TENANTRY_TEST_THOROUGH"] === "1";
