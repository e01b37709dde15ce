import {
  ACMClient,
  type CertificateDetail,
  DescribeCertificateCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-acm'

/** A server certificate as ACM knows it. */
export interface DomainCertificate {
  /** `ISSUED`, `PENDING_VALIDATION`, `EXPIRED` … */
  readonly status: string
  /** `AMAZON_ISSUED`, `IMPORTED` or `PRIVATE`. */
  readonly type: string
  readonly names: readonly string[]
  /** Milliseconds since the epoch; undefined before it is issued. */
  readonly end: number | undefined
  /** False also while no AWS service uses it. */
  readonly renewable: boolean
  /** How far a renewal has come, and why no further. */
  readonly renewal: string | undefined
}

/** Asks ACM about a certificate of this region; undefined when there is none with this ARN. */
export function describeCertificate(
  client = new ACMClient({ maxAttempts: 4 }),
): (arn: string) => Promise<DomainCertificate | undefined> {
  return async (arn) => {
    try {
      const command = new DescribeCertificateCommand({ CertificateArn: arn })
      const { Certificate: detail } = await client.send(command)
      return detail && read(detail)
    } catch (fault) {
      if (fault instanceof ResourceNotFoundException) return undefined
      throw fault
    }
  }
}

function read(detail: CertificateDetail): DomainCertificate {
  const { RenewalStatus, RenewalStatusReason } = detail.RenewalSummary ?? {}
  const names = [detail.DomainName, ...(detail.SubjectAlternativeNames ?? [])]
  return {
    status: detail.Status ?? 'UNKNOWN',
    type: detail.Type ?? 'UNKNOWN',
    names: [...new Set(names.filter((name) => name !== undefined))],
    end: detail.NotAfter?.getTime(),
    renewable: detail.RenewalEligibility === 'ELIGIBLE',
    renewal: [RenewalStatus, RenewalStatusReason].filter(Boolean).join(', ') || undefined,
  }
}
