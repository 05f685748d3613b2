export declare function callerOrganization(
  request: Request,
): Promise<{ organizationId: string; userId: string }>;
