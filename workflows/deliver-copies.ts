/**
 * What one host owes to one destination, as a workflow of its own: a copy that takes hours keeps neither the tick that
 * began it nor any other destination waiting, and while it runs no second one begins.
 */
import { setCurrentDetails } from '@temporalio/workflow';
import type { Delivered, DeliveryInput } from '../model/catch-up.ts';
import { deliveryDetails } from './catch-up-details.ts';
import { deliverySteps } from './steps.ts';

export async function deliverCopies(input: DeliveryInput): Promise<Delivered> {
  const { destination, host } = input.step;
  const summary = `copy to ${destination} what it lacks of ${host}`;
  const delivered = await deliverySteps(input.site, input).deliver.executeWithOptions({ summary }, [input]);
  setCurrentDetails(deliveryDetails([delivered], null, []));
  return delivered;
}
