// expect: cache-api unfenced → left shared-cache
export const open = (organizationId: string) => [caches.open("answers"), organizationId];
